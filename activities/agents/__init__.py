"""Coding agents: one shared runner, one thin adapter a provider.

events           what an agent says, as a closed union
adapter          what an adapter must have: `outfit identity build parse parse_end transcript`
named_agents     agents and skills by name, as frozen with the run
scripted         plays a script (no key, no network)      scripts  script_player  schema_example  pattern_example
command          any program: prompt in, answer out       event_lines
claude_code      Claude Code                              claude_login  claude_events
runner           one attempt: sessions, asking again, resuming, usage
session          one launch of an adapter: process or player, timers, heartbeat, log
budget           what may be spent, over resumes and attempts
verdict          how a session ended: ours, from its events
schema_check     output schemas and answers held to them  answers
prompting        the texts that go to the agent
checkpoints      (transcript, tree) pairs that survive the worker
"""
