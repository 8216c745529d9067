"""`tinycomp build --package`: packages in addition to the board's project."""

from __future__ import annotations

from pathlib import Path

from command_line import Command, Refusal

BUILD = ("build", "model.tflite", "-o", "out", "--no-verify", "--no-bench")


def test_packages_are_written_next_to_the_project(folder: Path, run: Command) -> None:
    done = run(*BUILD, "--package", "cmake,zephyr")
    assert done.code == 0, done.err
    note = "The packages name https://example.com/model as their web page: give yours with"
    assert note in " ".join(done.err.split())
    packages = folder / "out" / "packages"
    library = (folder / "out" / "library" / "model.c").read_bytes()
    for kind in ("cmake", "zephyr"):
        assert (packages / kind / "model" / "src" / "model.c").read_bytes() == library

    assert run(*BUILD, "--library-only").code == 0
    assert (packages / "cmake" / "model" / "CMakeLists.txt").is_file()
    url = ("--package-url", "https://a.example/")
    done = run(*BUILD, "--force", "--package", "platformio", *url)
    assert (done.code, "web page" in done.err) == (0, False)
    assert [path.name for path in packages.iterdir() if any(path.rglob("*.*"))] == ["platformio"]
    manifest = packages / "platformio" / "model" / "library.json"
    assert '"homepage": "https://a.example/"' in manifest.read_text()


def test_unknown_packages(folder: Path, refusal: Refusal) -> None:
    text = refusal(*BUILD, "--package", "conan")
    assert text.startswith("--package names 'conan', an unknown kind of package. Expected one of: ")
