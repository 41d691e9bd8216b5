"""Is it right, and is it no worse than before.

A run: `cases` are put to a target (`targets`, `archive`) by `run`; `score` makes of each reply a
result (`results`), with `ranking` for what was retrieved and `faithfulness` for what was said;
`summary` makes of all results a report, `compare` sets it beside a `baseline`, `gate` decides, and
`reports` print it. `plugin` does the same inside pytest.

What it stands on: `gold` reads and drafts sets, `judges` score sentences and are scored themselves,
`proof` breaks Dateline (`faults`, `mutations`) to see the gate stop it.

Studies, run by hand: `answers`, `reading`, `followups`, `support` on data that nothing was tuned
on, and `bench` with `peers`, side by side with others.
"""
