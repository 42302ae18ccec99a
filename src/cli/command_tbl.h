/*
 * command_tbl: every subcommand and its own flags, stated once.  The command
 * line, --help and the completions of the shells are made from these rows.
 *
 * CMD(name, run, flags, "help")
 * FLAG(member, "VALUE", "help")
 *
 *   run     int run(const struct cli *), or NULL: serve
 *   flags   FLAG rows, one after the other, or nothing
 *   member  of struct cli_flags, and the flag's name
 *   VALUE   what stands for its value in --help: a string; NULL: a bool
 *   help    a few words, lower case, no full stop
 */
CMD(serve, NULL, , "run the proxy")
CMD(check, cli_check, FLAG(json, NULL, "print JSON"),
    "validate configuration and identity, no network")
CMD(identity, cli_identity, FLAG(json, NULL, "print JSON"),
    "say who the identity is")
CMD(config, cli_config, FLAG(sample, NULL, "print a sample file"),
    "print each value and where it comes from, or a sample file")
CMD(healthcheck, cli_healthcheck,
    FLAG(startup, NULL, "ask whether it has started"),
    "ask a running sidecar whether it is alive, or has started")
CMD(wait, cli_wait, FLAG(timeout, "TIME", "wait so long"),
    "until a running sidecar is ready, at most 30s")
CMD(reload, cli_reload, , "look for new files now, and say what comes of it")
CMD(quit, cli_quit, , "let a running sidecar drain and end")
