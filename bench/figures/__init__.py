"""One module per figure; each offers run(bench) and says in its docstring what it compares."""
