# brick: `make` builds the libraries, `make demo` trains a network, `make test` runs the tests, `make test-all` those of CI.

CARGO  ?= cargo
CC     ?= gcc
PYTHON ?= python3
PREFIX ?= /usr/local

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME  := libbrick.so.$(basename $(VERSION))
OUT     := target/release
CFLAGS  := -std=c99 -O2 -Wall -Wextra -pedantic -Werror
EXAMPLES := $(patsubst examples/%.c,$(OUT)/examples/%,$(wildcard examples/*.c))

.PHONY: all examples demo demo-filters demo-lstm test test-dropin test-rungs test-all asan bench install test-install header fmt lint clean

all:
	$(CARGO) build --release --workspace
	ln -sf libbrick.so $(OUT)/$(SONAME)
	ln -sf libdnnl.so $(OUT)/libdnnl.so.3

examples: all $(EXAMPLES)

$(OUT)/examples/%: examples/%.c $(wildcard examples/*.h) include/brick.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Iinclude $< -o $@ -L$(OUT) -lbrick -lm -Wl,-rpath,'$$ORIGIN/..'

# BRICK_DATA=DIR learns the images of MNIST's files there instead; examples/mlp.c has more options.
demo: all $(OUT)/examples/mlp
	$(OUT)/examples/mlp

demo-filters: all $(OUT)/examples/filters
	@mkdir -p target/filters
	$(OUT)/examples/filters examples/data/cat.ppm target/filters
	-$(PYTHON) examples/png.py target/filters/*.ppm

# LSTM_ARGS="--seconds 20" makes it short; examples/lstm_chars.c has all options.
demo-lstm: all $(OUT)/examples/digits_lstm $(OUT)/examples/lstm_chars
	$(OUT)/examples/digits_lstm
	$(OUT)/examples/lstm_chars $(LSTM_ARGS)

test:
	$(CARGO) test --workspace

# Both flavours of the drop-in under a program written to oneDNN's own header, which is fetched (200 kB).
peers    := $(or $(BRICK_PEERS),target/peers)
dnnl_hpp := $(peers)/include/oneapi/dnnl/dnnl.hpp
test-dropin: $(dnnl_hpp)
	$(CARGO) test -p brick-dnnl
	$(CARGO) test -p brick-dnnl --features threadpool

$(dnnl_hpp):
	set -e; at=$$(mktemp -d); $(PYTHON) -m pip download -q --no-deps -d $$at onednn-devel==2026.1.0; \
	$(PYTHON) -m zipfile -e $$at/*.whl $$at; mkdir -p $(peers); cp -r $$at/*/data/include $(peers); rm -r $$at

# The rungs below this processor's own; kernels and products run all of them in any case. Then those of AVX-512, interpreted
# where the processor lacks them, and the kinds of executable memory.
flags := $(shell grep -m 1 '^flags' /proc/cpuinfo 2>/dev/null)
has    = $(if $(filter $(1),$(flags)),$(2))
RUNGS := portable $(call has,avx512f,avx2) $(call has,avx512_vnni,avx512) $(call has,avx512_bf16,avx512_vnni)
INTERPRETED := $(if $(filter avx512_bf16,$(flags)),,avx512 avx512_bf16)
test-rungs:
	set -e; for rung in $(RUNGS); do BRICK_MAX_ISA=$$rung $(CARGO) test --test primitives --test c_abi; done
	set -e; for rung in $(INTERPRETED); do BRICK_TEST_RUNG=$$rung $(CARGO) test --test primitives; done
	BRICK_JIT_MEMORY=mprotect $(CARGO) test --test primitives
	BRICK_JIT_MEMORY=none $(CARGO) test --test primitives --test kernels

test-all: test test-rungs asan test-install

# The C programs under the address and undefined-behaviour sanitizers; leaks of the library count.
asan:
	BRICK_C_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" $(CARGO) test --test c_abi --test examples

# BENCH: kernels ip mm bmm conv misc lstm rnn elementwise ovh, or several; all if empty. BENCH_ARGS: see bench.py --help.
bench: all
	$(PYTHON) benches/bench.py $(BENCH) $(BENCH_ARGS)

lib     := $(DESTDIR)$(PREFIX)/lib
include := $(DESTDIR)$(PREFIX)/include
share   := $(DESTDIR)$(PREFIX)/share
at      := sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' -e 's|@SONAME@|$(SONAME)|g'

install: all
	install -d $(lib)/pkgconfig $(lib)/cmake/brick $(lib)/brick-dnnl $(include) $(share)/doc/brick
	install -m 755 $(OUT)/libbrick.so $(lib)/$(SONAME)
	ln -sf $(SONAME) $(lib)/libbrick.so
	install -m 644 $(OUT)/libbrick.a $(lib)/libbrick.a
	install -m 755 $(OUT)/libdnnl.so $(lib)/brick-dnnl/libdnnl.so.3
	ln -sf libdnnl.so.3 $(lib)/brick-dnnl/libdnnl.so
	install -m 644 $(wildcard include/*.h include/*.hpp) $(include)
	install -m 644 LICENSE-MIT LICENSE-APACHE $(share)/doc/brick
	$(at) bindings/pkgconfig/brick.pc.in > $(lib)/pkgconfig/brick.pc
	for file in brickConfig brickConfigVersion; do $(at) bindings/cmake/$$file.cmake.in > $(lib)/cmake/brick/$$file.cmake; done

# The installed tree, used through pkg-config and CMake.
test-install: all
	tests/install/check

header:
	UPDATE_HEADER=1 $(CARGO) test --test header

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p brick-dnnl --features threadpool --all-targets -- -D warnings

clean:
	$(CARGO) clean
