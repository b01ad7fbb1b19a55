# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the README tells a new user to type.  Sourced by tests, which do it.

# readme_block NAME: the commands of a block of its quick start, a line each
readme_block() {
	sed -n "/^<!-- quick start: $1 -->/,/^<!-- quick start: end/s/^    //p" "$TOP/README.md"
}
