"""What this repository needs for itself: the demo, sample repositories, pictures, checks. Not part of the product."""
