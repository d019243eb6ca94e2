#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every line of the primitive vectors through the worker's own code.
exec tests/unit/primvec "${srcdir:-.}/tests/vectors/primitives.txt"
