// Cursor: see the header.
#include "impl/call/cursor.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "impl/call/cat.h"

namespace ipcspec {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool IsWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The value of a digit, or 99.
int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

}  // namespace

void Cursor::SkipBlanks() {
  while (!AtEnd() && IsBlank(text_[position_])) ++position_;
}

bool Cursor::At(char c) {
  SkipBlanks();
  return !AtEnd() && text_[position_] == c;
}

bool Cursor::Take(char c) {
  if (!At(c)) return false;
  ++position_;
  return true;
}

bool Cursor::Expect(char c) { return Take(c) || Fail(Cat("\"", std::string_view(&c, 1), "\"")); }

bool Cursor::AtLineEnd() {
  SkipBlanks();
  return AtEnd() || text_[position_] == '\n' || text_[position_] == '#';
}

std::string_view Cursor::PeekWord() {
  SkipBlanks();
  size_t end = position_;
  while (end < text_.size() && IsWord(text_[end])) ++end;
  return text_.substr(position_, end - position_);
}

bool Cursor::TakeWord(std::string_view word) {
  if (PeekWord() != word) return false;
  position_ += word.size();
  return true;
}

bool Cursor::ExpectWord(std::string_view word) {
  return TakeWord(word) || Fail(Cat("\"", word, "\""));
}

bool Cursor::AtNumber() { return At('-') || DigitValue(Next()) <= 9; }

bool Cursor::ParseInteger(int64_t* value) {
  SkipBlanks();
  const size_t start = position_;
  const bool negative = Take('-');
  if (DigitValue(Next()) > 9) {
    position_ = start;
    return Fail("a number");
  }
  uint64_t base = 10;
  if (Next() == '0') {
    base = 8;
    if (position_ + 1 < text_.size() && text_[position_ + 1] == 'x') {
      base = 16;
      position_ += 2;
      if (DigitValue(Next()) > 15) return Fail("a hexadecimal digit");
    }
  }
  // Sixteen hexadecimal digits are a pattern of bits; other numbers have a sign.
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  const uint64_t limit = base == 16 && !negative ? ~uint64_t{0} : kMax + (negative ? 1 : 0);
  uint64_t number = 0;
  for (; IsWord(Next()); ++position_) {
    const uint64_t digit = DigitValue(Next());
    if (digit >= base) break;
    if (number > (limit - digit) / base) {
      return FailAt(start, "the number does not fit in 64 bits");
    }
    number = number * base + digit;
  }
  if (base == 8 && DigitValue(Next()) <= 9)
    return Fail("an octal digit (the number begins with 0)");
  *value = static_cast<int64_t>(negative ? -number : number);
  return true;
}

bool Cursor::ParseIntegerIn(int64_t low, int64_t high, int64_t* value) {
  SkipBlanks();
  const size_t start = position_;
  if (!ParseInteger(value)) return false;
  if (low <= *value && *value <= high) return true;
  return FailAt(start, Cat("expected a number from ", low, " to ", high, ", found ",
                           text_.substr(start, position_ - start)));
}

bool Cursor::EndLine() {
  if (!AtLineEnd()) return Fail("the end of the line");
  position_ = std::min(text_.find('\n', position_), text_.size());
  Advance();
  return true;
}

bool Cursor::ExpectHeader(std::string_view header) {
  NextLine();
  const std::string_view line = text_.substr(position_, text_.find('\n', position_) - position_);
  if (!line.starts_with(header)) {
    const std::string_view begin = line.substr(0, 40);
    return FailAt(position_,
                  Cat("expected the line \"", header, "\", found ",
                      AtEnd() ? "the end of the text"
                              : Cat("\"", absl::CHexEscape({begin.data(), begin.size()}), "\"")));
  }
  position_ += header.size();
  return EndLine();
}

bool Cursor::NextLine() {
  while (!AtEnd() && AtLineEnd()) EndLine();
  return !AtEnd();
}

std::string Cursor::Found() const {
  if (AtEnd()) return "the end of the text";
  if (text_[position_] == '\n') return "the end of the line";
  size_t end = position_ + 1;
  if (IsWord(text_[position_])) {
    while (end < text_.size() && end - position_ < 40 && IsWord(text_[end])) ++end;
  }
  return Cat("\"", absl::CHexEscape({text_.data() + position_, end - position_}), "\"");
}

bool Cursor::Fail(std::string_view expected) {
  SkipBlanks();
  return FailAt(position_, Cat("expected ", expected, ", found ", Found()));
}

bool Cursor::FailAt(size_t position, std::string_view message) {
  if (!status_.ok()) return false;
  const std::string_view before = text_.substr(0, position);
  const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  status_ =
      absl::InvalidArgumentError(Cat("line ", 1 + std::count(before.begin(), before.end(), '\n'),
                                     ", column ", position - line_start + 1, ": ", message));
  return false;
}

}  // namespace ipcspec
