"""Every sentence that a node can say to a client, found in the C sources.

Where a sentence leaves is known (LEAVES, KEPT); from there the way is followed back, as text, to the
string literals it begins as:

    what is said                    then
    "a literal" MACRO "more"        one sentence, as a printf format
    yes ? one : other               both
    a parameter                     whoever calls this function says it: all its callers are looked at
    a local                         all that is assigned or printed to it here
    x->reason                       all that is assigned or printed to a member of that name anywhere
    f(…)                            all that f returns
    a_texts[…]                      a status: statuses.ts has it, and is asked for it

What leads to none of these is `unclear`, and a test fails by it: no sentence is passed over in silence.
"""
import ast
import pathlib
import re
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("actors", "proto", "runtime", "cmd")

# Function → which argument is told to a client.
LEAVES = {"dure_problem_write": 2, "dure_field_errors_add": 2}
# Members that are shown as they are, and where they are set: a saga's reason, a notification's.
KEPT = {"reason": FOLDERS, "message": ("actors",)}
# Tables whose rows end in a sentence, by how it is taken from them.
TABLES = {r"(info|dure_error_info\(\w+\))->text": ("runtime/errors.c", "table"),
          r"errors\[\w+\]\.text": ("proto/stream.c", "errors")}
# The reason phrases of refusals.
TITLES = ("proto/response.c", re.compile(r'case [45]\d\d: return "([^"]+)"'))
# Another library's words, shown as they are; a copy; room that is printed to.
FOREIGN = ("curl_easy_strerror", "memcpy", "dure_group_alloc")
# Copies: what is copied is found where it was first said. The second is the rest of a sentence
# behind the name of its field (below, `rest`).
COPIES = ("(char *)mail + reason_at", "detail + len + 1", "one->message", "'\\0'")
# What stands for itself within a sentence: names, numbers, and what the sender typed.
NAMES = re.compile(r"(->|\.)(name|key|field|text|message)$|\b(list|refused|date)$")
# Not told to a client by HTTP: the streams of proto/stream.h, and what stops a node at its start.
ELSEWHERE = ("cmd/bench", "cmd/client.c", "proto/bus")

Function = namedtuple("Function", "name file parameters body")
LITERAL = re.compile(r'(?:u8)?"(?:[^"\\]|\\.)*"')


def without_comments(text):
    """The same with blanks for comments, so that places stay."""
    return re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|/\*.*?\*/',
                  lambda m: m.group() if m.group()[0] != "/" else re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.S)


def closing(text, at):
    """Where what opens at `at` is closed."""
    depth = 0
    for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|[][(){}]').finditer(text, at):
        if m.group() in "([{":
            depth += 1
        elif m.group() in ")]}":
            depth -= 1
            if depth == 0:
                return m.start()
    raise ValueError(text[at:at + 60])


def split(text, *separators):
    """Pieces between separators that stand in no bracket and no string, and those separators."""
    pieces, found, start, depth = [], [], 0, 0
    for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|->|&&|\|\||[=!<>]=|[^\s\w]').finditer(text):
        token = m.group()
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        elif depth == 0 and token in separators:
            pieces.append(text[start:m.start()])
            found.append(token)
            start = m.end()
    return [*pieces, text[start:]], found


def unquote(literal):
    """What a C literal says; Python reads the same escapes."""
    text = literal.removeprefix("u8")
    return ast.literal_eval(text) if "\\x" not in text else ast.literal_eval("b" + text).decode()


def either(expression):
    """The two sides of `yes ? one : other`, or nothing."""
    pieces, found = split(expression, "?", ":")
    depth, length = 0, len(pieces[0])
    for piece, token in zip(pieces[1:], found):
        depth += 1 if token == "?" else -1
        if depth == 0:
            return expression[len(pieces[0]) + 1:length].strip(), expression[length + 1:].strip()
        length += 1 + len(piece)
    return ()


class Sources:
    def __init__(self, folders=FOLDERS):
        self.files, self.macros, self.functions = {}, {}, []
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*.[ch]")):
                name = str(path.relative_to(ROOT))
                if not name.startswith(ELSEWHERE):
                    self.read(name, without_comments(path.read_text(encoding="utf-8")))
        self.found = {}     # Sentence → where it is said.
        self.pieces = {}    # Words put into a sentence → where.
        self.statuses = set()  # (table of statuses, where it is said).
        self.unclear = []
        self.seen = set()

    def read(self, name, text):
        self.files[name] = text
        for m in re.finditer(r'^#define (\w+)\s+((?:[^\n\\]|\\.|\\\n)*)', text, re.M):
            if LITERAL.search(m.group(2)):
                self.macros[m.group(1)] = m.group(2).replace("\\\n", " ")
        for m in re.finditer(r"^(?![#}/\s])[^\n;={}]*?\b(\w+)\(", text, re.M):
            end = closing(text, m.end() - 1)
            if not re.match(r"\s*\n\{", text[end + 1:]):
                continue
            begin = text.index("{", end)
            parameters = tuple(re.sub(r"\[.*", "", p).strip().split(" ")[-1].lstrip("*")
                               for p in split(text[m.end():end], ",")[0])
            self.functions.append(Function(m.group(1), name, parameters,
                                           (begin, closing(text, begin))))

    def body(self, function):
        return self.files[function.file][slice(*function.body)]

    def around(self, file, at):
        return next((f for f in self.functions if f.file == file and f.body[0] <= at <= f.body[1]), None)

    # ---- Following back ------------------------------------------------------------------------

    def find(self):
        for name, argument in LEAVES.items():
            self.callers(name, argument)
        for member, folders in KEPT.items():
            self.members(member, folders)
        file, title = TITLES
        for phrase in title.findall(self.files[file]):
            self.found.setdefault(phrase, file)
        for sentence, where in list(self.found.items()):  # dure_command_explain() splits them.
            rest = re.fullmatch(r"%s ([a-z][^%]+)", sentence)
            if rest:
                self.found.setdefault(rest.group(1), where)
        return self

    def once(self, *what):
        new = what not in self.seen
        self.seen.add(what)
        return new

    def callers(self, name, argument, file=None):
        """All that is passed as that argument; of a static function, in its file."""
        if not self.once("call", name, argument, file):
            return
        calls = 0
        for other, text in self.files.items():
            if file is not None and other != file:
                continue
            for m in re.finditer(rf"(?<![\w.>])(?:\w+(?:->|\.))*{name}\(", text):
                function = self.around(other, m.start())
                if function is None:
                    continue  # Its declaration, or its own head.
                calls += 1
                arguments = split(text[m.end():closing(text, m.end() - 1)], ",")[0]
                self.say(arguments[argument], function, m.start(), arguments[argument + 1:])
        if calls == 0:  # Called by a pointer to it.
            pointers = {one for text in self.files.values()
                        for one in re.findall(rf"\b(\w+)\s*=\s*{name}\b", text)}
            if not pointers:
                self.unclear.append(f"{name}: nobody calls it")
            for pointer in pointers:
                self.callers(pointer, argument)

    def members(self, member, folders=FOLDERS):
        """All that is assigned or printed to a member of that name."""
        if not self.once("member", member):
            return
        for file, text in self.files.items():
            if not file.startswith(folders):
                continue
            for m in re.finditer(rf"(?:\.|->){member}\s*=(?!=)", text):
                function = self.around(file, m.start())
                value = split(text[m.end():m.end() + 2000], ",", ";", "}")[0][0]
                value = value[:self.end_of(value)]
                self.say(value, function or Function("", file, (), (0, 0)), m.start(), [])
            for m in re.finditer(rf"\bv?snprintf\(\s*[\w>.-]+(?:\.|->){member}(?:\s*\+[^,]*)?,", text):
                self.printed(file, text, m)

    @staticmethod
    def end_of(value):
        """An initialiser may end with the brace of what it is in."""
        depth = 0
        for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|[][(){}]').finditer(value):
            depth += (m.group() in "([{") - (m.group() in ")]}")
            if depth < 0:
                return m.start()
        return len(value)

    def printed(self, file, text, m):
        open_at = text.index("(", m.start())
        arguments = split(text[open_at + 1:closing(text, open_at)], ",")[0]
        self.say(arguments[2], self.around(file, m.start()), m.start(), arguments[3:])

    def returns(self, name, file):
        if not self.once("returns", name):
            return
        functions = self.named(name, file)
        if not functions:
            # Called by a pointer in a table: each function that stands there.
            named = [(other, value) for other, text in self.files.items()
                     for value in re.findall(rf"\.{name}\s*=\s*(\w+)", text)]
            for other, value in named:
                self.returns(value, other)
            if not named:
                self.unclear.append(f"{file}: what {name}() returns")
        for function in functions:
            text = self.body(function)
            for m in re.finditer(r"\breturn\b([^;]*);", text):
                self.say(m.group(1), function, function.body[0] + m.start(), [])

    def local(self, name, function, at):
        if not self.once("local", name, function):
            return
        text, offset = self.body(function), function.body[0]
        sources = 0
        for m in re.finditer(rf"(?<![\w.>]){name}(?:\[[^\]]*\])?\s*=(?!=)", text):
            value = split(text[m.end():], ",", ";")[0][0]
            self.say(value[:self.end_of(value)], function, offset + m.start(), [])
            sources += 1
        for m in re.finditer(rf"\bv?snprintf\(\s*{name}(?:\s*\+[^,]*)?,", text):
            whole = re.compile(re.escape(m.group())).search(self.files[function.file], offset + m.start())
            self.printed(function.file, self.files[function.file], whole)
            sources += 1
        for called, argument in self.passed(f"&{name}", text):
            self.filled(called, argument, function.file)
            sources += 1
        if sources == 0:
            self.unclear.append(f"{function.file}: {function.name}: {name}")

    @staticmethod
    def passed(value, text):
        """(function, which argument) of each call that it is passed to."""
        for m in re.finditer(r"\b(\w+)\(", text):
            arguments = split(text[m.end():closing(text, m.end() - 1)], ",")[0]
            for i, argument in enumerate(arguments):
                if argument.strip() == value and m.group(1) not in ("if", "while", "for", "return", "switch"):
                    yield m.group(1), i

    def named(self, name, file):
        """The function of that name, as seen from the file."""
        all_of_them = [f for f in self.functions if f.name == name]
        return [f for f in all_of_them if f.file == file] or all_of_them

    def filled(self, name, argument, file):
        """`const char **detail`: what is assigned to *detail, or passed on."""
        if not self.once("filled", name, argument, file):
            return
        for function in self.named(name, file):
            parameter = function.parameters[argument]
            text = self.body(function)
            for m in re.finditer(rf"\*{parameter}\s*=([^;]*);", text):
                self.say(m.group(1), function, function.body[0] + m.start(), [])
            for called, i in self.passed(parameter, text):
                self.filled(called, i, function.file)

    # ---- What one expression says ----------------------------------------------------------------

    def say(self, expression, function, at, arguments):
        """`arguments` are printed into it, where it is a format."""
        expression = expression.strip()
        while expression.startswith("(") and closing(expression, 0) == len(expression) - 1:
            expression = expression[1:-1].strip()
        where = f"{function.file}:{self.files[function.file].count(chr(10), 0, at) + 1}"
        branches = either(expression)
        if branches:
            for branch in branches:
                self.say(branch, function, at, arguments)
            return
        literal = self.literal(expression)
        if literal is not None:
            self.spoken(literal, function, at, where, arguments)
            return
        if expression in ("NULL", "0", "") or re.fullmatch(r"true|false|-?\d+", expression):
            return
        if split(expression, "==", "!=", "&&", "||", "!", "-")[1]:
            return  # A number of another member of that name.
        self.follow(expression, function, at, where)

    def literal(self, expression):
        parts = re.findall(rf"{LITERAL.pattern}|\S+?(?=\s|\"|$)", expression)
        if not parts:
            return None
        said = []
        for part in parts:
            if part.startswith(('"', 'u8"')):
                said.append(unquote(part))
            elif part in self.macros and self.literal(self.macros[part]) is not None:
                said.append(self.literal(self.macros[part]))
            elif part in ("PRId64", "PRIu64"):
                said.append("lld")
            else:
                return None
        return "".join(said)

    def spoken(self, sentence, function, at, where, arguments):
        if sentence == "%s" and arguments:
            self.say(arguments[0], function, at, [])
            return
        if sentence != "":
            self.found.setdefault(sentence, where)
        conversions = re.findall(r"%(?:%|\.\*s|\.?\d*(?:l*[diuxX]|s))", sentence)
        conversions = [one for one in conversions if one != "%%"]
        values = list(arguments)
        for conversion in conversions:
            if conversion == "%.*s" and values:
                values.pop(0)
            if not values:
                break
            value = values.pop(0).strip()
            if conversion.endswith("s"):
                self.piece(value, function, at, where)

    def piece(self, value, function, at, where):
        """A word within a sentence: a name, a status, a literal, or itself a sentence."""
        branches = either(value)
        if branches:
            for branch in branches:
                self.piece(branch, function, at, where)
            return
        literal = self.literal(value)
        if literal is not None:
            if re.search(r"\w", literal):
                self.pieces.setdefault(literal, where)
        elif re.match(r"\w*texts\[", value):
            self.statuses.add((value.split("[")[0], function.file))
        elif not NAMES.search(value):
            self.say(value, function, at, [])

    def follow(self, expression, function, at, where):
        if re.match(r"\w*texts\[", expression):
            self.statuses.add((expression.split("[")[0], function.file))
            return
        if expression in COPIES:
            return
        call = re.match(r"((?:\w+(?:->|\.))*)(\w+)\(", expression)
        rest = expression[closing(expression, call.end() - 1) + 1:] if call else ""
        table = next((row for how, row in TABLES.items() if re.fullmatch(how, expression)), None)
        if table is not None:
            self.table(*table)
        elif call and call.group(2) in FOREIGN:
            pass
        elif call and rest == "":
            self.returns(call.group(2), function.file)
        elif re.search(r"(?:->|\.)\w+$", expression):
            self.members(re.search(r"\w+$", expression).group())
        elif not re.fullmatch(r"\w+", expression):
            self.unclear.append(f"{where}: {expression}")
        elif expression in function.parameters:
            text = self.files[function.file]
            static = re.search(rf"^static[^\n;={{}}]*\b{function.name}\(", text, re.M) is not None
            self.callers(function.name, function.parameters.index(expression),
                         function.file if static else None)
        elif re.search(rf"\b{expression}\b", self.body(function)):
            self.local(expression, function, at)
        else:
            self.unclear.append(f"{where}: {expression}")

    def table(self, file, name):
        if not self.once("table", name):
            return
        text = self.files[file]
        begin = text.index("{", re.search(rf"\b{name}\[\]\s*=", text).end())
        for row in re.finditer(r"\{([^{}]*)\}", text[begin + 1:closing(text, begin)]):
            self.spoken(self.literal(split(row.group(1), ",")[0][-1].strip()), None, 0,
                        f"{file}: {name}", [])

    def texts(self, table, file):
        """The statuses of such a table."""
        for other, text in sorted(self.files.items(), key=lambda item: item[0] != file):
            m = re.search(rf"\b{table}\[\]\s*=\s*\{{", text)
            if m is not None:
                return [unquote(one) for one in
                        LITERAL.findall(text[m.end():closing(text, m.end() - 1)])]
        raise AssertionError(f"there is no {table}")
