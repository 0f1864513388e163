// The text form of values: see the header. The two directions of a type stand together.
#include "impl/call/values.h"

#include <fcntl.h>

#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "impl/call/bytes.h"
#include "impl/call/check.h"

namespace ipcspec {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr int64_t kMinInt = std::numeric_limits<int>::min();

// 0 and then octal digits, at least three: 0644.
std::string Octal(int64_t bits) { return absl::StrFormat("0%03o", static_cast<uint64_t>(bits)); }

constexpr struct {
  std::string_view name;
  int64_t ns;
} kUnits[] = {{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};

}  // namespace

void PrintValue(int64_t value, std::string* out) { Append(out, value); }
bool ParseValue(Cursor& cursor, int64_t* value) { return cursor.ParseInteger(value); }

void PrintValue(int value, std::string* out) { Append(out, value); }
bool ParseValue(Cursor& cursor, int* value) {
  int64_t wide = 0;
  if (!cursor.ParseIntegerIn(kMinInt, kMaxInt, &wide)) return false;
  *value = static_cast<int>(wide);
  return true;
}

void PrintValue(bool value, std::string* out) { out->append(value ? "true" : "false"); }
bool ParseValue(Cursor& cursor, bool* value) {
  *value = cursor.TakeWord("true");
  return *value || cursor.TakeWord("false") || cursor.Fail("true or false");
}

void PrintValue(const std::string& value, std::string* out) { out->append(QuoteBytes(value)); }
bool ParseValue(Cursor& cursor, std::string* value) { return ParseBytes(cursor, value); }

void PrintValue(const Bytes& value, std::string* out) { out->append(QuoteBytes(value.text)); }
bool ParseValue(Cursor& cursor, Bytes* value) { return ParseBytes(cursor, &value->text); }

void PrintValue(Mode value, std::string* out) { out->append(Octal(value.bits)); }
bool ParseValue(Cursor& cursor, Mode* value) {
  // 644 is a slip for 0644 more often than it is meant.
  if (!cursor.At('0')) return cursor.Fail("a mode in octal, as 0644");
  const size_t start = cursor.position();
  // All 64 bits, so that each value has a text.
  uint64_t bits = 0;
  for (; cursor.Next() >= '0' && cursor.Next() <= '7'; cursor.Advance()) {
    if (bits >> 61 != 0) return cursor.FailAt(start, "the number does not fit in 64 bits");
    bits = bits * 8 + (cursor.Next() - '0');
  }
  if (absl::ascii_isalnum(cursor.Next())) return cursor.Fail("an octal digit");
  value->bits = static_cast<int64_t>(bits);
  return true;
}

void PrintValue(Signal value, std::string* out) { out->append(SignalName(value.number)); }
bool ParseValue(Cursor& cursor, Signal* value) {
  const std::string_view word = cursor.PeekWord();
  if (const std::optional<int64_t> number = ValueOfName(SignalTable(), word)) {
    value->number = static_cast<int>(*number);
    return cursor.TakeWord(word);
  }
  return cursor.AtNumber() ? ParseValue(cursor, &value->number)
                           : cursor.Fail("a signal, as SIGPIPE or a number");
}

void PrintValue(Nanos value, std::string* out) {
  if (value.ns == Nanos::kForever) return out->append("forever"), void();
  for (const auto& unit : kUnits) {
    if (value.ns % unit.ns != 0 || (value.ns == 0 && unit.ns > 1)) continue;
    return Append(out, value.ns / unit.ns, unit.name);
  }
}
bool ParseValue(Cursor& cursor, Nanos* value) {
  if (cursor.TakeWord("forever")) {
    value->ns = Nanos::kForever;
    return true;
  }
  if (!cursor.AtNumber()) return cursor.Fail("a time, as forever, 2s, 50ms, 3us or 7ns");
  const size_t start = cursor.position();
  int64_t count = 0;
  if (!cursor.ParseInteger(&count)) return false;
  for (const auto& unit : kUnits) {
    if (!cursor.TakeWord(unit.name)) continue;
    if (__builtin_mul_overflow(count, unit.ns, &value->ns)) {
      return cursor.FailAt(start, "the time does not fit in 64 bits of nanoseconds");
    }
    return true;
  }
  return cursor.Fail("s, ms, us or ns");
}

void PrintArg(int64_t value, int label, int index, std::string* out) {
  if (label == 0) return PrintValue(value, out);
  Append(out, "@", label);
  if (index >= 0) Append(out, ".", index);
}
bool ParseArg(Cursor& cursor, int64_t* value, int* label, int* index) {
  if (!cursor.Take('@')) return ParseValue(cursor, value);
  int64_t number = 0;
  if (!cursor.ParseIntegerIn(1, kMaxInt, &number)) return false;
  *label = static_cast<int>(number);
  *value = -1;
  *index = -1;
  if (!cursor.Take('.')) return true;
  if (!cursor.ParseIntegerIn(0, kMaxInt, &number)) return false;
  *index = static_cast<int>(number);
  return true;
}

void PrintBits(BitNames names, int64_t bits, std::string* out) {
  const char* separator = "";
  auto rest = static_cast<uint64_t>(bits);
  for (const Name& name : BitTable(names)) {
    const auto value = static_cast<uint64_t>(name.value);
    const bool is_set = value == 0 ? rest == 0 && bits == 0 : (rest & value) == value;
    if (!is_set) continue;
    Append(out, std::exchange(separator, "|"), name.text);
    rest &= ~value;
  }
  if (names == BitNames::kIpc && (rest & 0777) != 0) {
    Append(out, std::exchange(separator, "|"), Octal(rest & 0777));
    rest &= ~uint64_t{0777};
  }
  if (rest != 0) Append(out, std::exchange(separator, "|"), absl::StrFormat("0x%x", rest));
  if (*separator == '\0') out->append("0");
}
bool ParseBits(Cursor& cursor, BitNames names, int64_t* bits) {
  *bits = 0;
  do {
    const std::string_view word = cursor.PeekWord();
    if (const std::optional<int64_t> value = ValueOfName(BitTable(names), word)) {
      *bits |= *value;
      cursor.TakeWord(word);
      continue;
    }
    if (!cursor.AtNumber()) {
      std::string all;
      for (const Name& name : BitTable(names)) Append(&all, name.text, ", ");
      return cursor.Fail(Cat("one of ", all, "or a number"));
    }
    int64_t number = 0;
    if (!cursor.ParseInteger(&number)) return false;
    *bits |= number;
  } while (cursor.Take('|'));
  return true;
}

void PrintName(NameTable table, int64_t value, std::string* out) {
  const std::string_view name = NameOfValue(table, value);
  IPCSPEC_CHECK(!name.empty(), "an enumerator without a name");
  out->append(name);
}
bool ParseName(Cursor& cursor, NameTable table, int64_t* value) {
  const std::string_view word = cursor.PeekWord();
  if (const std::optional<int64_t> found = ValueOfName(table, word)) {
    *value = *found;
    return cursor.TakeWord(word);
  }
  std::string all;
  for (const Name& name : table) Append(&all, all.empty() ? "" : ", ", name.text);
  return cursor.Fail(Cat("one of ", all));
}

}  // namespace ipcspec
