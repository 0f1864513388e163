// The text form of the values that calls are made of: for each type PrintValue and ParseValue.
//
// A struct that lists its fields (IPCSPEC_FIELDS) needs nothing here, nor does a new call; a new
// type of field needs the pair, and an enumeration its table (names.h). ParseValue returns false
// iff it fails, and the cursor tells why.
#ifndef IPCSPEC_IMPL_CALL_VALUES_H_
#define IPCSPEC_IMPL_CALL_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/cursor.h"
#include "impl/call/fields.h"
#include "impl/call/names.h"
#include "impl/call/types.h"

namespace ipcspec {

void PrintValue(int64_t value, std::string* out);
void PrintValue(int value, std::string* out);
void PrintValue(bool value, std::string* out);                // true, false
void PrintValue(const std::string& value, std::string* out);  // as bytes: "name", "x"*300
void PrintValue(const Bytes& value, std::string* out);        // bytes.h
void PrintValue(Mode value, std::string* out);                // 0644
void PrintValue(Signal value, std::string* out);              // SIGPIPE
void PrintValue(Nanos value, std::string* out);               // 50ms, forever

bool ParseValue(Cursor& cursor, int64_t* value);
bool ParseValue(Cursor& cursor, int* value);
bool ParseValue(Cursor& cursor, bool* value);
bool ParseValue(Cursor& cursor, std::string* value);
bool ParseValue(Cursor& cursor, Bytes* value);
bool ParseValue(Cursor& cursor, Mode* value);
bool ParseValue(Cursor& cursor, Signal* value);
bool ParseValue(Cursor& cursor, Nanos* value);

// What the templates below come down to.
void PrintArg(int64_t value, int label, int index, std::string* out);
bool ParseArg(Cursor& cursor, int64_t* value, int* label, int* index);
void PrintBits(BitNames names, int64_t bits, std::string* out);
bool ParseBits(Cursor& cursor, BitNames names, int64_t* bits);
void PrintName(NameTable table, int64_t value, std::string* out);
bool ParseName(Cursor& cursor, NameTable table, int64_t* value);

// 7, or @3 for what step 3 returned, or @3.1 for its values[1].
template <ArgKind K>
void PrintValue(const Arg<K>& value, std::string* out) {
  PrintArg(value.value, value.label, value.index, out);
}
template <ArgKind K>
bool ParseValue(Cursor& cursor, Arg<K>* value) {
  return ParseArg(cursor, &value->value, &value->label, &value->index);
}

// O_WRONLY|O_NONBLOCK, with a number for what has no name.
template <BitNames N>
void PrintValue(Bits<N> value, std::string* out) {
  PrintBits(N, value.bits, out);
}
template <BitNames N>
bool ParseValue(Cursor& cursor, Bits<N>* value) {
  return ParseBits(cursor, N, &value->bits);
}

template <class E>
requires std::is_enum_v<E>
void PrintValue(E value, std::string* out) {
  PrintName(EnumTable<E>(), static_cast<int64_t>(value), out);
}
template <class E>
requires std::is_enum_v<E>
bool ParseValue(Cursor& cursor, E* value) {
  int64_t number = 0;
  if (!ParseName(cursor, EnumTable<E>(), &number)) return false;
  *value = static_cast<E>(number);
  return true;
}

// Reads `name=value` for one of the fields of `object`; `seen` has a bit for each field that was
// given before. `owner` is the name of the whole, for errors.
template <class T>
bool ParseField(Cursor& cursor, std::string_view owner, uint64_t* seen, T* object) {
  const std::string_view word = cursor.PeekWord();
  std::string all;
  uint64_t bit = 1;
  bool found = false;
  bool ok = false;
  T::Fields(*object, [&](std::string_view name, auto& field) {
    if (name == word) {
      found = true;
      if ((*seen & bit) != 0) {
        cursor.FailAt(cursor.position(), Cat("the field ", name, " is given twice"));
      } else {
        ok = cursor.TakeWord(word) && cursor.Expect('=') && ParseValue(cursor, &field);
      }
      *seen |= bit;
    }
    Append(&all, all.empty() ? "" : ", ", name);
    bit <<= 1;
  });
  if (found) return ok;
  if (all.empty()) return cursor.Fail(Cat("\")\", as ", owner, " has no fields"));
  return cursor.Fail(Cat("a field of ", owner, " (", all, ")"));
}

// Reads the items of a list up to `close`, each by `item()`; the opening bracket is taken.
template <class Item>
bool ParseList(Cursor& cursor, char close, Item item) {
  if (cursor.Take(close)) return true;
  do {
    if (!item()) return false;
  } while (cursor.Take(','));
  const char expected[] = {'"', ',', '"', ' ', 'o', 'r', ' ', '"', close, '"', '\0'};
  return cursor.Take(close) || cursor.Fail(expected);
}

// [1, 2]
template <class T>
void PrintValue(const std::vector<T>& values, std::string* out) {
  const char* separator = "[";
  for (const T& value : values) {
    out->append(std::exchange(separator, ", "));
    PrintValue(value, out);
  }
  out->append(values.empty() ? "[]" : "]");
}
template <class T>
bool ParseValue(Cursor& cursor, std::vector<T>* values) {
  return cursor.Expect('[') &&
         ParseList(cursor, ']', [&] { return ParseValue(cursor, &values->emplace_back()); });
}

// {num=0, op=-1}. Bits are left out when none is set; the rest of an element is always there.
template <HasFields T>
void PrintValue(const T& value, std::string* out) {
  out->push_back('{');
  const char* separator = "";
  T::Fields(value, [&](std::string_view name, const auto& field) {
    if constexpr (requires { field.kNames; }) {
      if (field.bits == 0) return;
    }
    Append(out, std::exchange(separator, ", "), name, "=");
    PrintValue(field, out);
  });
  out->push_back('}');
}
template <HasFields T>
bool ParseValue(Cursor& cursor, T* value) {
  uint64_t seen = 0;
  return cursor.Expect('{') &&
         ParseList(cursor, '}', [&] { return ParseField(cursor, "the element", &seen, value); });
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_VALUES_H_
