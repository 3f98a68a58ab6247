"""What the tests share: real daemons in folders of their own, real clients, and patience with deadlines."""
