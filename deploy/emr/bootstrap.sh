#!/bin/bash
# Bootstrap action of an EMR cluster, on each machine.
# Arguments: the address of environment.tar.gz, the folder that it goes to, the job's home.
set -euo pipefail

archive=$1
environment=$2
home=$3
sudo install -d -m 0755 -o "$(id -un)" "$environment"
# The home may be a mounted file system that others have made already.
test -d "$home" || sudo install -d -m 0755 -o "$(id -un)" "$home"
aws s3 cp --only-show-errors "$archive" - | tar -xz -C "$environment"
test -x "$environment/bin/python"
