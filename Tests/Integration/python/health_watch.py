"""Watches a health check while its process ends.

usage: health_watch.py URL PID
Asks URL, sends SIGTERM to PID, and asks until nobody answers.
Prints each answer that differs from the one before: "STATUS BODY'S STATUS".
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request

url, pid = sys.argv[1], int(sys.argv[2])


def ask():
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return f"{answer.status} {json.load(answer)['status']}"
    except urllib.error.HTTPError as answer:
        return f"{answer.code} {json.load(answer)['status']}"
    except OSError:
        return None


last = ask()
print(last)
os.kill(pid, signal.SIGTERM)
while last is not None:
    state = ask()
    if state not in (last, None):
        print(state)
    last = state
