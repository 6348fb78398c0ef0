# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
#
# Every target does its own set-up first (bootstrap.py); that takes minutes once and no time after.
#   ROS=kilted         the other ROS 2 distribution instead of jazzy, in its own .venv-kilted
#   PYTHON=python3.12  the Python to use, 3.10 to 3.14
#   GYMNASIUM=1.2.2    that version of gymnasium instead of the pinned one

PYTHON ?= python3
export PYTHON ROS GYMNASIUM
IN_ENVIRONMENT := $(PYTHON) bootstrap.py run --

.PHONY: help demo test setup figure lint shell clean distclean

help:
	@echo 'make demo           a simulated arm, driven over ROS 2, halted by its guard'
	@echo 'make test           colcon build and colcon test, for both packages'
	@echo 'make figure NAME=x  run benchmarks/x.py; FULL=1 for the long form'
	@echo 'make lint           ruff and mypy (also part of make test)'
	@echo 'make shell          a shell with ROS 2, Python and rl_bridge in it (or: . ./env.sh)'
	@echo 'make setup          only what the others do first'
	@echo 'make clean          remove the builds; make distclean: the environments too'
	@echo 'with each: ROS=kilted, PYTHON=python3.12, GYMNASIUM=1.2.2'

demo:
	@$(IN_ENVIRONMENT) rl_bridge demo $(ARGS)

test:
	@$(PYTHON) bootstrap.py --sb3 run -- python test/colcon_test.py

setup:
	@$(PYTHON) bootstrap.py setup

figure:
	@test -n '$(NAME)' || { echo 'rl_bridge: name the figure: make figure NAME=...' >&2; exit 1; }
	@$(IN_ENVIRONMENT) python -m benchmarks.$(NAME) $(if $(FULL),--full) $(ARGS)

lint:
	@$(IN_ENVIRONMENT) ruff check .
	@$(IN_ENVIRONMENT) mypy

shell:
	@$(IN_ENVIRONMENT) $${SHELL:-/bin/sh} || true

clean:
	rm -rf build build-kilted build-sourced install install-kilted install-sourced
	rm -rf log log-kilted log-sourced

distclean: clean
	rm -rf .venv .venv-kilted .venv-sourced .venv.lock .venv-kilted.lock .venv-sourced.lock
