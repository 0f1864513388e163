// Generators for property tests: any value of any field, any call, any outcome.
//
// They walk the fields of a call, so a new call is generated without a change here. They make
// values that a text has to carry, not values that make sense.
#ifndef IPCSPEC_IMPL_CALL_GENERATORS_H_
#define IPCSPEC_IMPL_CALL_GENERATORS_H_

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "impl/call/args.h"
#include "impl/call/bytes.h"
#include "impl/call/call.h"
#include "impl/call/names.h"
#include "impl/call/outcome.h"
#include "impl/call/values.h"
#include "rapidcheck.h"

namespace ipcspec {

// Small numbers mostly, and the ends of the range.
inline int64_t AnyNumber() {
  return *rc::gen::oneOf(rc::gen::inRange<int64_t>(-3, 70), rc::gen::arbitrary<int64_t>(),
                         rc::gen::element(std::numeric_limits<int64_t>::min(),
                                          std::numeric_limits<int64_t>::max(), int64_t{-1}));
}

// A part that prints in each of the three ways, and ends of patterns that lie anywhere.
inline std::string AnyBytes() {
  std::string bytes;
  const int parts = *rc::gen::inRange(0, 4);
  for (int i = 0; i < parts; ++i) {
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        bytes += *rc::gen::arbitrary<std::string>();
        break;
      case 1:
        bytes += std::string(*rc::gen::inRange(0, 40), *rc::gen::arbitrary<char>());
        break;
      case 2:
        bytes += *rc::gen::element(std::string("\"\\\n\t\r"), std::string("pattern(A, 0, 1)"),
                                   std::string("\0x\xff", 3), std::string("# A000001."));
        break;
      default:
        bytes += Pattern(*rc::gen::element('A', 'z', 'f'), *rc::gen::inRange<int64_t>(0, 1 << 28),
                         *rc::gen::inRange<int64_t>(0, 80));
    }
  }
  return bytes;
}

inline void SetAny(int64_t* value) { *value = AnyNumber(); }
inline void SetAny(bool* value) { *value = *rc::gen::arbitrary<bool>(); }
inline void SetAny(std::string* value) { *value = AnyBytes(); }
inline void SetAny(Bytes* value) { value->text = AnyBytes(); }
inline void SetAny(Mode* value) { value->bits = AnyNumber(); }
inline void SetAny(Signal* value) {
  value->number = *rc::gen::oneOf(rc::gen::inRange(-1, 70), rc::gen::arbitrary<int>());
}
inline void SetAny(Nanos* value) {
  value->ns = *rc::gen::oneOf(
      rc::gen::just(AnyNumber()),
      rc::gen::map(rc::gen::inRange<int64_t>(-9, 9'000), [](int64_t n) { return n * 1'000'000; }));
}
template <ArgKind K>
void SetAny(Arg<K>* value) {
  const bool refers = *rc::gen::arbitrary<bool>();
  *value = refers ? Arg<K>::Of(*rc::gen::inRange(1, 1000), *rc::gen::inRange(-1, 4))
                  : Arg<K>(AnyNumber());
}
template <BitNames N>
void SetAny(Bits<N>* value) {
  value->bits = *rc::gen::weightedOneOf<int64_t>(
      {{1, rc::gen::just(AnyNumber())}, {2, rc::gen::inRange<int64_t>(0, 1 << 23)}});
}
template <class E>
requires std::is_enum_v<E>
void SetAny(E* value) {
  const NameTable table = EnumTable<E>();
  *value = static_cast<E>(table[*rc::gen::inRange<size_t>(0, table.size())].value);
}
template <class T>
void SetAny(std::vector<T>* values) {
  values->resize(*rc::gen::inRange(0, 5));
  for (T& value : *values) SetAny(&value);
}
template <HasFields T>
void SetAny(T* value) {
  T::Fields(*value, [](std::string_view, auto& field) { SetAny(&field); });
}

// A call of the I-th kind, or of any kind from it on.
template <size_t I = 0>
Call CallOfKind(size_t kind) {
  if constexpr (I < std::variant_size_v<CallVariant>) {
    if (kind != I) return CallOfKind<I + 1>(kind);
    Call call;
    SetAny(&call.emplace<I>());
    return call;
  }
  return Call();
}
inline Call AnyCall() {
  return CallOfKind(*rc::gen::inRange<size_t>(0, std::variant_size_v<CallVariant>));
}

inline Outcome AnyOutcome() {
  Outcome outcome = {.data = AnyBytes()};
  if (*rc::gen::arbitrary<bool>()) {
    outcome.ret = AnyNumber();
  } else {
    outcome.ret = -1;
    outcome.error = *rc::gen::inRange(1, 200);
  }
  const int values = *rc::gen::inRange(0, 4);
  for (int i = 0; i < values; ++i) outcome.values.push_back(AnyNumber());
  return outcome;
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_GENERATORS_H_
