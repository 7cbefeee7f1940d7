"""SLO compiler: one OpenSLO declaration in, rules, alert tests and dashboards out."""
