# brick: `make` builds the libraries, `make test` runs every test.
CARGO ?= cargo

.PHONY: all test lint fmt
all:
	$(CARGO) build --workspace --release

test:
	$(CARGO) test --workspace

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all
