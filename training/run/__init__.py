"""The harness of a run: loop, snapshots, watchdog, recovery, folder."""
