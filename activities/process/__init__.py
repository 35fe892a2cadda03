"""Starting, watching and ending the processes of a step.

running        run_process: one program from its start to the end of its whole tree
tree           one running tree: status, output, polite end, destruction
isolation      how a tree is held together: namespace, subreaper, group; probed once
strays         what a killed worker left: on file while it runs, ended by the next worker
process_table  /proc: who is alive, whose child, since when
environment    the allow-list of variables that steps get
"""
