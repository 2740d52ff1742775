# `make run` and `make test` install what is missing (Debian and Ubuntu), then build and run.
# The other targets are parts of these two, and `make bench`.

CARGO ?= cargo

.PHONY: run test lint setup bench

## Start the app; without a display, analyze the bundled clip and print a summary.
run: setup
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ]; then \
		$(CARGO) run --release --locked; \
	else \
		echo "No display here: the same pipeline on the bundled clip instead."; \
		$(CARGO) run --release --locked -- analyze demo; \
	fi

## Run every test.
test: setup
	$(CARGO) test --release --config tests/profile.toml --workspace --locked

## What CI asks for beyond the tests.
lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --locked

## Print the tables of docs/measurements.md.
bench: setup
	$(CARGO) bench --workspace --locked

setup:
	@./setup.sh
