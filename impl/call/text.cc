// The text form of calls and outcomes: see the header.
//
// Both directions walk the fields of a call by its Fields(), so a new call needs nothing here.
#include "impl/call/text.h"

#include <fcntl.h>

#include <array>
#include <charconv>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_join.h"
#include "impl/call/bytes.h"
#include "impl/call/cat.h"
#include "impl/call/names.h"
#include "impl/call/values.h"

namespace ipcspec {
namespace {

// Whether `value` is what field number `index` is in a call made by default.
template <class C, class F>
bool IsDefault(int index, const F& value) {
  static const C kDefault;
  bool same = false;
  C::Fields(kDefault, [&](std::string_view, const auto& field) {
    if constexpr (std::same_as<decltype(field), const F&>) {
      if (index == 0) same = field == value;
    }
    --index;
  });
  return same;
}

template <class C>
void PrintCall(const C& call, std::string* out) {
  Append(out, C::kName, "(");
  const char* separator = "";
  int index = 0;
  C::Fields(call, [&]<class F>(std::string_view name, const F& field) {
    if (IsDefault<C, F>(index++, field)) return;
    Append(out, std::exchange(separator, ", "), name, "=");
    // Where a name is opened there is an access mode, though O_RDONLY has no bit.
    if constexpr (std::same_as<F, OpenFlags> && requires { call.path; }) {
      if ((field.bits & O_ACCMODE) == 0) out->append("O_RDONLY|");
    }
    PrintValue(field, out);
  });
  out->push_back(')');
}

template <size_t... I>
constexpr auto NamesOfCalls(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{
      std::variant_alternative_t<I, CallVariant>::kName...};
}
constexpr auto kCallNames =
    NamesOfCalls(std::make_index_sequence<std::variant_size_v<CallVariant>>());

// Reads the fields of a call of the I-th kind.
template <size_t I>
bool ParseFields(Cursor& cursor, Call* call) {
  auto& typed = call->emplace<I>();
  uint64_t seen = 0;
  return cursor.Expect('(') &&
         ParseList(cursor, ')', [&] { return ParseField(cursor, kCallNames[I], &seen, &typed); });
}

bool ParseFieldsOf(size_t kind, Cursor& cursor, Call* call) {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    bool ok = false;
    ((kind == I && (ok = ParseFields<I>(cursor, call), true)) || ...);
    return ok;
  }
  (std::make_index_sequence<std::variant_size_v<CallVariant>>());
}

// Reads `text`, which has to hold one T and nothing else.
template <class T>
absl::StatusOr<T> ParseWhole(std::string_view text, bool (*parse)(Cursor&, T*)) {
  Cursor cursor(text);
  T value;
  cursor.NextLine();
  if (parse(cursor, &value) && cursor.EndLine() && !cursor.NextLine()) return value;
  if (cursor.status().ok()) cursor.Fail("the end of the text");
  return cursor.status();
}

}  // namespace

std::string ToText(const Call& call) {
  std::string out;
  std::visit([&](const auto& c) { PrintCall(c, &out); }, call);
  return out;
}

std::string ToText(const Outcome& outcome) {
  std::string out = outcome.ok() ? Cat(outcome.ret) : ErrnoName(outcome.error);
  if (!outcome.data.empty()) Append(&out, " ", QuoteBytes(outcome.data));
  if (!outcome.values.empty()) {
    Append(&out, " [", absl::StrJoin(outcome.values, ", "), "]");
  }
  return out;
}

absl::StatusOr<Call> ParseCall(std::string_view text) { return ParseWhole<Call>(text, ParseCall); }

absl::StatusOr<Outcome> ParseOutcome(std::string_view text) {
  return ParseWhole<Outcome>(text, ParseOutcome);
}

bool ParseCall(Cursor& cursor, Call* call) {
  const std::string_view word = cursor.PeekWord();
  for (size_t kind = 0; kind < kCallNames.size(); ++kind) {
    if (kCallNames[kind] == word) {
      return cursor.TakeWord(word) && ParseFieldsOf(kind, cursor, call);
    }
  }
  std::string near;
  for (const std::string_view name : NearNames(word, kCallNames)) {
    Append(&near, near.empty() ? " (near: " : ", ", name);
  }
  return cursor.Fail(Cat("the name of a call", near, near.empty() ? "" : ")"));
}

bool ParseOutcome(Cursor& cursor, Outcome* outcome) {
  *outcome = Outcome{};
  const std::string_view word = cursor.PeekWord();
  if (!cursor.AtNumber()) {
    outcome->ret = -1;
    if (cursor.TakeWord("errno")) {
      cursor.AtNumber();  // goes to the number
      const size_t start = cursor.position();
      if (!ParseValue(cursor, &outcome->error)) return false;
      if (outcome->error == 0) return cursor.FailAt(start, "errno 0 is no error");
    } else if (const std::optional<int64_t> error = ValueOfName(ErrnoTable(), word)) {
      outcome->error = static_cast<int>(*error);
      cursor.TakeWord(word);
    } else {
      return cursor.Fail("a number, the name of an errno, or \"errno\" and its number");
    }
  } else if (!cursor.ParseInteger(&outcome->ret)) {
    return false;
  }
  if (cursor.At('"') || cursor.PeekWord() == "pattern") {
    if (!ParseBytes(cursor, &outcome->data)) return false;
  }
  if (!cursor.Take('[')) return true;
  return ParseList(cursor, ']',
                   [&] { return cursor.ParseInteger(&outcome->values.emplace_back()); });
}

bool ParseTask(Cursor& cursor, int* task) {
  const std::string_view word = cursor.PeekWord();
  int number = 0;
  const auto end = word.data() + word.size();
  if (word.size() > 1 && word[0] == 't') {
    const auto [stop, error] = std::from_chars(word.data() + 1, end, number);
    if (error == std::errc() && stop == end && number >= 0) {
      *task = number;
      return cursor.TakeWord(word);
    }
  }
  return cursor.Fail("a task, as t0");
}

}  // namespace ipcspec
