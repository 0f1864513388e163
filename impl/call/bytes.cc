// Patterns and the text form of bytes: see the header.
//
// QuoteBytes goes through the bytes once. Where a word of a pattern or a run of one byte begins it
// measures the whole stretch, and what lies between stretches is printed in quotes.
#include "impl/call/bytes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "impl/call/cat.h"
#include "impl/call/check.h"

namespace ipcspec {
namespace {

constexpr int64_t kWord = 8;  // a letter, six digits, a full stop
constexpr int64_t kPeriod = kWord * (int64_t{1} << 24);
constexpr size_t kShortestRun = 16;
constexpr size_t kShortestPattern = 24;
constexpr char kHex[] = "0123456789abcdef";

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }

char PatternByte(char tag, int64_t offset) {
  const int64_t place = offset % kWord;
  if (place == 0) return tag;
  if (place == kWord - 1) return '.';
  return kHex[(offset / kWord) >> (4 * (6 - place)) & 15];
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// A stretch of `bytes` that prints short.
struct Stretch {
  size_t begin = 0;
  size_t end = 0;
  std::string text;
};

// The number of the word of a pattern that is at `at`; -1 if there is none.
int64_t WordAt(std::string_view bytes, size_t at) {
  if (bytes.size() - at < kWord || bytes[at + kWord - 1] != '.' || !IsLetter(bytes[at])) return -1;
  int64_t number = 0;
  for (size_t i = 1; i < kWord - 1; ++i) {
    const int digit = HexValue(bytes[at + i]);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

// The pattern that has a whole word at `at` and does not reach before `floor`; nothing if there is
// no such word, or the stretch is short.
std::optional<Stretch> PatternAt(std::string_view bytes, size_t floor, size_t at) {
  const int64_t number = WordAt(bytes, at);
  if (number < 0) return std::nullopt;
  const char tag = bytes[at];
  int64_t offset = number * kWord;
  size_t begin = at;
  size_t end = at + kWord;
  int64_t next = offset + kWord;
  while (end < bytes.size() && bytes[end] == PatternByte(tag, next)) ++end, ++next;
  // Words begin alike: a stretch that stops within a word which is whole stops before it.
  if (WordAt(bytes, end - next % kWord) >= 0) end -= next % kWord;
  while (begin > floor && offset > 0 && bytes[begin - 1] == PatternByte(tag, offset - 1)) {
    --begin, --offset;
  }
  if (end - begin < kShortestPattern) return std::nullopt;
  return Stretch{begin, end,
                 Cat("pattern(", std::string_view(&tag, 1), ", ", offset, ", ", end - begin, ")")};
}

void AppendQuoted(std::string_view bytes, std::string* out) {
  out->push_back('"');
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (absl::ascii_isprint(byte)) {
      out->push_back(c);
    } else {
      out->append("\\x");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    }
  }
  out->push_back('"');
}

// The run that begins at `at`, if it is long enough.
std::optional<Stretch> RunAt(std::string_view bytes, size_t at) {
  const size_t end = std::min(bytes.find_first_not_of(bytes[at], at), bytes.size());
  if (end - at < kShortestRun) return std::nullopt;
  Stretch run{at, end, ""};
  AppendQuoted(bytes.substr(at, 1), &run.text);
  Append(&run.text, "*", end - at);
  return run;
}

// One byte of a quoted string, after its backslash.
bool ParseEscape(Cursor& cursor, std::string* bytes) {
  const char c = cursor.Next();
  cursor.Advance();
  if (c == '"' || c == '\\') {
    bytes->push_back(c);
  } else if (c == 'n') {
    bytes->push_back('\n');
  } else if (c == 't') {
    bytes->push_back('\t');
  } else if (c == 'x') {
    int value = 0;
    for (int i = 0; i < 2; ++i, cursor.Advance()) {
      const int digit = HexValue(absl::ascii_tolower(static_cast<unsigned char>(cursor.Next())));
      if (digit < 0) return cursor.Fail("two hexadecimal digits after \\x");
      value = value * 16 + digit;
    }
    bytes->push_back(static_cast<char>(value));
  } else {
    return cursor.FailAt(cursor.position() - 1, "expected one of n t x \\ \" after the backslash");
  }
  return true;
}

bool ParseQuoted(Cursor& cursor, std::string* bytes) {
  const size_t start = cursor.position();
  if (!cursor.Expect('"')) return false;
  while (cursor.Next() != '"') {
    if (cursor.AtEnd() || cursor.Next() == '\n') {
      return cursor.FailAt(start, "the string that begins here has no closing quote on its line");
    }
    const char c = cursor.Next();
    cursor.Advance();
    if (c != '\\') {
      bytes->push_back(c);
    } else if (!ParseEscape(cursor, bytes)) {
      return false;
    }
  }
  cursor.Advance();
  return true;
}

bool TooMuch(Cursor& cursor, size_t at) {
  return cursor.FailAt(at, "more data than one value (16 MiB) or one text (256 MiB) may have");
}

// A number of things of which at most `most` may be.
bool ParseCount(Cursor& cursor, int64_t most, int64_t* count) {
  cursor.PeekWord();  // goes to the number
  const size_t start = cursor.position();
  if (!cursor.ParseIntegerIn(0, INT64_MAX, count)) return false;
  return *count <= most || TooMuch(cursor, start);
}

bool ParsePattern(Cursor& cursor, int64_t room, std::string* bytes) {
  if (!cursor.Expect('(')) return false;
  const std::string_view tag = cursor.PeekWord();
  if (tag.size() != 1 || !IsLetter(tag[0])) return cursor.Fail("the letter of a pattern");
  int64_t offset = 0;
  int64_t length = 0;
  return cursor.TakeWord(tag) && cursor.Expect(',') &&
         cursor.ParseIntegerIn(0, INT64_MAX - kMaxDataBytes, &offset) && cursor.Expect(',') &&
         ParseCount(cursor, room, &length) && cursor.Expect(')') &&
         (bytes->append(Pattern(tag[0], offset, length)), true);
}

// One piece; what it makes and what was made before may be `room` bytes long.
bool ParsePiece(Cursor& cursor, int64_t room, std::string* bytes) {
  if (cursor.TakeWord("pattern")) return ParsePattern(cursor, room, bytes);
  if (!cursor.At('"')) return cursor.Fail("bytes, as \"text\" or pattern(A, 0, 24)");
  std::string quoted;
  if (!ParseQuoted(cursor, &quoted)) return false;
  int64_t times = 1;
  if (cursor.Take('*')) {
    const int64_t most = quoted.empty() ? 0 : room / static_cast<int64_t>(quoted.size());
    if (!ParseCount(cursor, most, &times)) return false;
  }
  bytes->reserve(bytes->size() + times * quoted.size());
  for (int64_t i = 0; i < times; ++i) bytes->append(quoted);
  return true;
}

}  // namespace

std::string Pattern(char tag, int64_t offset, int64_t length) {
  IPCSPEC_CHECK(IsLetter(tag) && offset >= 0 && length >= 0, "a pattern that there is not");
  std::string bytes(length, '\0');
  offset %= kPeriod;
  std::array<char, kWord> word;
  for (int64_t i = 0, previous = -1; i < length;) {
    const int64_t number = (offset + i) / kWord;
    if ((offset + i) % kWord != 0 || length - i < kWord) {
      bytes[i] = PatternByte(tag, offset + i);
      ++i;
      continue;
    }
    // A whole word at once; all but its last digit is as in the word before, mostly.
    if (number / 16 != previous) {
      for (int64_t at = 0; at < kWord; ++at) word[at] = PatternByte(tag, offset + i + at);
      previous = number / 16;
    }
    std::memcpy(bytes.data() + i, word.data(), kWord);
    bytes[i + kWord - 2] = kHex[number % 16];
    i += kWord;
  }
  return bytes;
}

std::string QuoteBytes(std::string_view bytes) {
  std::string out;
  const auto append_piece = [&](std::string_view piece) {
    Append(&out, out.empty() ? "" : "+", piece);
  };
  size_t floor = 0;  // all before it is printed
  const auto append_plain = [&](size_t end) {
    if (floor == end) return;
    std::string quoted;
    AppendQuoted(bytes.substr(floor, end - floor), &quoted);
    append_piece(quoted);
  };
  for (size_t at = 0; at < bytes.size();) {
    std::optional<Stretch> stretch = PatternAt(bytes, floor, at);
    const bool run_begins = at == floor || bytes[at] != bytes[at - 1];
    if (!stretch && run_begins) stretch = RunAt(bytes, at);
    if (!stretch) {
      ++at;
      continue;
    }
    append_plain(stretch->begin);
    append_piece(stretch->text);
    floor = at = stretch->end;
  }
  append_plain(bytes.size());
  return out.empty() ? "\"\"" : out;
}

bool ParseBytes(Cursor& cursor, std::string* bytes) {
  bytes->clear();
  do {
    cursor.PeekWord();  // goes to the piece
    const size_t start = cursor.position();
    const int64_t before = bytes->size();
    if (!ParsePiece(cursor, kMaxDataBytes - before, bytes)) return false;
    const int64_t size = bytes->size();
    if (size > kMaxDataBytes || !cursor.SpendData(size - before)) return TooMuch(cursor, start);
  } while (cursor.Take('+'));
  return true;
}

}  // namespace ipcspec
