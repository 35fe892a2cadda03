"""Every sentence of the command line that is made for people: a module for each area.

amount_words      how much of something, in words: counts with their noun, durations, money, bytes
artifact_words    `perdure artifacts`: versions fetched, linked to, tagged and deleted, and why not
asking_words      questions before something is removed: what is said where the answer is no, or nobody answers
bench_words       `perdure bench`: what is measured, what came of it, and why nothing could be
bundle_words      `perdure export` and `perdure import`: what a bundle holds or brought, and why it is refused
cache_words       `perdure cache`: what it holds, how often it helped, and why a step ran all the same
change_words      the files of a run: `perdure diff`, `perdure apply`, and branches made of what it changed
connection_words  the server, the store and the worker: which they are, why they cannot be reached, that they are back
control_words     gates and controls: the commands that decide, what took effect, and what to do about a refusal
definition_words  a definition that is named, read or checked: whether it is there, how big it is, what is wrong with it
file_words        the person's own files and folders: what cannot be read or written, what is left as it is
folder_words      `perdure definitions`: what became of one in the folder of definitions, and why it is refused
log_words         `perdure logs`: nothing was printed, or another run printed it
machine_words     `perdure doctor`: what this machine lacks, and who can do without
run_words         a run from its start to the last look at it: which it is, where it goes, how to come back to it
store_words       `perdure store`: garbage that is removed or stays, and what a verification looked at
testing_words     `perdure test`: how many cases were played, what they cover, which expectations were written anew

Lower case, no full stop, values in backticks, the wrong thing first, a way out with a command. A module is imported by
its name, `from client.messages import cache_words`, so that a command loads only the words that it may say.
"""
