"""What `./dev` and the system tests share: real servers on loopback, started and stopped without leaving anything."""
