#!/usr/bin/env bash
# A training job as a scheduler runs it on each host: warms its data set, then trains on it.
#   job.sh DATA_DIRECTORY [ARGUMENT OF train.py ...]
# The directory lies on a CurveFS mount. What could not be warmed is named, and the job does not begin.
set -eu
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/../../bin/curvefs" warmup add "${1:?usage: job.sh DATA_DIRECTORY [ARGUMENT OF train.py ...]}"
exec python3 "$here/train.py" "$@"
