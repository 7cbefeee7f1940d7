"""The demo: deploys a clone to a local cluster, and delivers a change there."""
