#!/bin/sh
# Makes plugin.h and plugin.c of the world in ../wit, with `wit-bindgen`. Interfaces go by their own names.
set -eu
cd "$(dirname "$0")"
set -- wit-bindgen c ../wit --world plugin --no-object-file
for name in types output settings files files-write env commands http clock $(sed -n 's/^ *export \([a-z]*\);.*/\1/p' ../wit/world.wit); do
    set -- "$@" --rename "local-ci:plugin/$name@0.1.0=$(printf %s "$name" | tr - _)"
done
"$@"
# `local-ci plugin build` puts the world around the module itself, so no object file with it is linked.
sed '/^\/\/ Ensure that the \*_component_type.o/,$d' plugin.c >plugin.c.new
mv plugin.c.new plugin.c
