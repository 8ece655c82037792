"""Runs the unittest modules of a folder and prints one line per test: "ok NAME" or "FAIL NAME", with its traceback."""

import sys
import unittest


class LineResult(unittest.TestResult):
    """Prints each test's result when it is known, so that a hanging test is the one after the last line."""

    def _fail(self, test, error):
        print(f"FAIL {test.id()}", flush=True)
        print(self._exc_info_to_string(error, test), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok   {test.id()}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"skip {test.id()}: {reason}", flush=True)


def main(folder):
    result = LineResult()
    unittest.defaultTestLoader.discover(folder).run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
