"""The workspace: manifests of trees, snapshots, private checkouts, merges."""
