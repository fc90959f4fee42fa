#!/bin/sh
# Greets whoever is named; --loud is not finished yet.
set -eu
greeting="Hello, ${1:-world}!"
# if [ "${2:-}" = --loud ]; then greeting=$(echo "$greeting" | tr '[:lower:]' '[:upper:]'); fi
echo "$greeting"
