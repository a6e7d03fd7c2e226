"""Tools from package registries, by name, into a folder of their own.

An install that is complete carries a mark, so that a kept folder (INTEROP_CACHE) with half an install is not trusted.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile


INSTALL_SECONDS = 300
BROWSER_SECONDS = 900


class Missing(Exception):
    """This machine cannot run a case; the text says what to install."""


def needed(program, why, override):
    """The path of a program that the machine must have."""
    named = os.environ.get(override)
    found = shutil.which(named or program)
    if found is None:
        what = f"{override}={named} is no program" if named else f"`{program}` is not on the PATH"
        raise Missing(f"{why} needs `{program}`: {what}; install it or name it with {override}")
    return found


class Installs:
    """Installs below one folder, each made at most once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def python(self, packages):
        """An interpreter that has these packages; PYTHON names one that has them all already."""
        if named := os.environ.get("PYTHON"):
            return needed(named, "every case of Python", "PYTHON")
        folder = self._once("python", packages, self._make_venv)
        return str(folder / "bin" / "python")

    def own_python(self, packages):
        """As `python`, but never the interpreter that PYTHON names: for servers, which no case imports."""
        return str(self._once("python", packages, self._make_venv) / "bin" / "python")

    def node_modules(self, packages):
        """A `node_modules` folder that has these packages; NODE_MODULES names one that has them all already."""
        if named := os.environ.get("NODE_MODULES"):
            return named
        needed("npm", "every case of JavaScript", "NPM")
        return str(self._once("node", packages, self._make_node) / "node_modules")

    def wheel(self, package):
        """The folder with the files of a wheel, without what it depends on."""
        return str(self._once("wheel", (package,), self._make_wheel))

    def chromium(self):
        """A Chromium; CHROMIUM names one. Where there is none, Debian's is installed for the whole machine."""
        named = os.environ.get("CHROMIUM")
        if named is None and shutil.which("chromium") is None:
            apt = needed("apt-get", "installing Chromium", "APT_GET")
            # It asks nobody anything, and a browser is large.
            os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
            run([apt, "update", "-q"], BROWSER_SECONDS)
            run([apt, "install", "-y", "-q", "--no-install-recommends", "chromium"], BROWSER_SECONDS)
        return needed("chromium", "the page", "CHROMIUM")

    def crate(self, name, seconds):
        """The folder of a program from the crate registry, which is compiled in it."""
        cargo = needed("cargo", f"building {name}", "CARGO")

        def make(folder, packages):
            run([cargo, "install", "--quiet", "--root", str(folder), *packages], seconds)
            shutil.rmtree(folder / "target", ignore_errors=True)

        return str(self._once("crate", (name,), make))

    def _once(self, kind, packages, make):
        name = "-".join([kind, *packages]).replace("/", "_").replace("@", "")
        folder, mark = self.root / name, self.root / name / "complete"
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder, packages)
            mark.touch()
        return folder

    def _make_venv(self, folder, packages):
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # What is imported is compiled then; all of it would double the files to write and to delete.
        run([*pip, "--no-compile", *packages])

    def _make_node(self, folder, packages):
        (folder / "package.json").write_text('{"private": true}\n')
        npm = needed("npm", "every case of JavaScript", "NPM")
        run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", *packages])

    def _make_wheel(self, folder, packages):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        run([*pip, "--only-binary=:all:", "--dest", str(folder), *packages])
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
            wheel.unlink()


def run(command, seconds=INSTALL_SECONDS):
    """Runs an installer; what it printed is part of the error if it fails."""
    try:
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"`{' '.join(command)}` took more than {seconds} s") from None
    if ended.returncode != 0:
        raise Missing(f"`{' '.join(command)}` ended with {ended.returncode}:\n{ended.stdout.strip()[-2000:]}")
