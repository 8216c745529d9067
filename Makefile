# Everything from a fresh checkout on Debian or Ubuntu with Python 3.11 or later. Each target sets up what is missing,
# and ends with what could not be had.
PYTEST_ARGS = -n auto
PYTHON = .venv/bin/python
MINUTES = 5
SEED = 0
FIRMWARE = find firmware -name '*.[ch]' -o -name '*.cpp'

.PHONY: demo test fuzz bench lint format setup clean

demo: setup
	@.venv/bin/tinycomp demo --force $(DEMO_ARGS); status=$$?; cat .venv/left-out; exit $$status

test: setup
	@$(PYTHON) -m pytest -m "not shared and not slow" $(PYTEST_ARGS); status=$$?; cat .venv/left-out; exit $$status

fuzz: setup
	@status=0; \
	$(PYTHON) tests/fuzz/fuzz.py --minutes $(MINUTES) --seed $(SEED) || status=1; \
	if [ -f tests/fuzz_tflite.py ]; then \
		PYTHONPATH=.:tests:tests/ops $(PYTHON) tests/fuzz_tflite.py $$((200 * $(MINUTES))) $(SEED) || status=1; fi; \
	$(PYTHON) -m pytest -q tests/device/test_harness_fuzz.py || status=1; \
	$(PYTHON) tests/device/harness_libfuzzer.py --bytes 10000000 --seed $(SEED) || status=1; \
	exit $$status

bench: setup
	@$(PYTHON) -m benchmarks.run $(BENCH_ARGS) && $(PYTHON) -m benchmarks.build_time; \
		status=$$?; cat .venv/left-out; exit $$status

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	@if command -v clang-format >/dev/null; then $(FIRMWARE) | xargs clang-format --dry-run --Werror; fi
	@cat .venv/left-out

format: setup
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(FIRMWARE) | xargs clang-format -i

setup:
	@bash .ci/setup

clean:
	rm -rf .venv build dist demo-out
