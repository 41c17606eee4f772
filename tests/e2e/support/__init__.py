"""What the end-to-end tests share: certificates made for the run, the daemon as a child process, and its peers."""
