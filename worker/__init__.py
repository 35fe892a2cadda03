"""The worker process and the embedded dev server.

    settings        what the environment says: home, store, queue, slots, definitions
    service         connect, two workers, signals
    lifetime        a worker process from its start to its end
    embedded        find or start server and worker of a home folder; end them; look at them
    dev_server      a Temporal dev server on a database file
    namespace       what the embedded server's namespace must have
    tuning          the server settings that we change, each with its reason
    server_binary   where the server's program comes from
    dev_record      `dev.json`: what runs for a home folder
    processes       identity, start, and end of operating-system processes
    leases          a file lock that a process holds for its life
    log_files       logs of bounded size
    fingerprint     which code a worker runs

Settings, records, processes and leases import nothing heavy: a warm `perdure run` passes through them.
"""
