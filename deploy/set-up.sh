#!/bin/sh
# Makes .venv and installs the project into it, with the tested versions of constraints.txt. Run by the Makefile, and safe to
# run again: what is there already is kept.
#
# What may be missing on a fresh machine, and what is done about it:
# 1. `python3` is older than 3.11: python3.14 to python3.11 are tried, then the interpreters that uv knows of;
# 2. uv: pip installs it into .venv;
# 3. ensurepip (Debian without python3-venv): .venv is made without pip, and uv or the pip outside installs into it.
# What cannot be helped is said in one message with what to install.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

is_recent() { # a pyenv shim can exist and still not run: so each candidate is tried
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if command -v uv >/dev/null; then
        uv python find --no-project '>=3.11' 2>/dev/null || true
    fi
}

make_venv() {
    if "$1" -m venv --clear .venv >.venv-errors 2>&1; then
        rm -f .venv-errors
    elif "$1" -m venv --clear --without-pip .venv >>.venv-errors 2>&1; then
        rm -f .venv-errors
        echo "This Python has no ensurepip (on Debian and Ubuntu it is in python3-venv): .venv is made without pip."
    else
        cat .venv-errors >&2
        rm -f .venv-errors
        fail "" "$1 -m venv failed, see above. On Debian and Ubuntu: apt install python3-venv. Then run make again."
    fi
}

install_uv() {
    outside=$(find_python)
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
    elif [ -n "$outside" ] && "$outside" -m pip --python .venv/bin/python --version >/dev/null 2>&1; then
        "$outside" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check -c constraints.txt uv
    else
        rm -rf .venv # so that the next try makes it anew, with what was missing
        fail "Neither uv nor pip is to be found, and this Python cannot bring pip into .venv." \
            "Install one of them (on Debian and Ubuntu: apt install python3-venv), then run make again."
    fi
}

if ! is_recent .venv/bin/python; then
    python=$(find_python)
    [ -n "$python" ] || fail "headwater needs Python 3.11 or newer; python3 here is $(python3 --version 2>&1 || echo missing)." \
        "Install a newer one, or name it: make PYTHON=/path/to/python3.12 ..."
    echo "Making .venv with $("$python" --version)"
    make_venv "$python"
fi

if [ -x .venv/bin/uv ] && .venv/bin/uv --version >/dev/null 2>&1; then
    uv=.venv/bin/uv
elif command -v uv >/dev/null; then
    uv=uv
else
    echo "Installing uv into .venv"
    install_uv
    uv=.venv/bin/uv
fi

# -b pins what the build itself needs (setuptools) as -c pins what is installed.
"$uv" pip install --python .venv/bin/python -c constraints.txt -b constraints.txt -e '.[dev]' --compile-bytecode
