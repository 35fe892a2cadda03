"""The store: content-addressed blobs, write-once records, documents."""
