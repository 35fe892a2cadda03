"""Questions before something is removed: what is said where the answer is no, or nobody answers."""

NOTHING_DONE = "nothing was done"
NOBODY_ANSWERED = "nobody is there to answer; nothing was done"
ANSWER_BEFOREHAND = "`--yes` does it without asking"
