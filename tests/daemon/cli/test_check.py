"""`headwater check`: a summary, or everything that is wrong."""

from __future__ import annotations

from support.commands import Commands


def test_definitions_in_order_are_counted(commands: Commands) -> None:
    result = commands("check", "-f", "flow.py")
    assert result.exit_code == 0
    assert "3 assets and 1 external, 1 check, 1 with automation" in result.stdout


def test_all_errors_are_told_at_once(commands: Commands) -> None:
    commands.write(
        """
        from headwater import Definitions, asset

        @asset
        def a(missing): ...

        @asset
        def b(nowhere): ...

        defs = Definitions(assets=[a, b])
        """
    )
    result = commands("check", "-f", "flow.py")
    assert result.exit_code == 1
    assert "2 errors" in result.stderr
    assert "'missing'" in result.stderr
    assert "'nowhere'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_cannot_be_imported_shows_where(commands: Commands) -> None:
    commands.write("import headwater\n1 / 0\n")
    result = commands("check", "-f", "flow.py")
    assert result.exit_code == 1
    assert 'flow.py", line 2' in result.stderr
    assert "ZeroDivisionError" in result.stderr.splitlines()[-1]


def test_what_the_user_prints_does_not_get_into_the_summary(commands: Commands) -> None:
    commands.write("from headwater import asset\nprint('hello')\n@asset\ndef a(): ...\n")
    result = commands("check", "-f", "flow.py")
    assert len(result.stdout.splitlines()) == 1
    assert "1 asset, 0 checks" in result.stdout
