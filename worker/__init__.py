"""The worker process: settings, wiring, the embedded dev server."""
