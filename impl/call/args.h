// ForEachArg visits the arguments of a call that name something the system handed out (arg.h).
#ifndef IPCSPEC_IMPL_CALL_ARGS_H_
#define IPCSPEC_IMPL_CALL_ARGS_H_

#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "impl/call/arg.h"
#include "impl/call/call.h"
#include "impl/call/values.h"

namespace ipcspec {
namespace internal {

template <class T>
inline constexpr bool kIsArg = false;
template <ArgKind K>
inline constexpr bool kIsArg<Arg<K>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

// Arguments stand in fields, in lists, and in the fields of elements.
template <class T, class V>
void VisitArgs(T& value, V& visit) {
  using Plain = std::remove_const_t<T>;
  if constexpr (kIsArg<Plain>) {
    visit(value);
  } else if constexpr (kIsVector<Plain>) {
    for (auto& element : value) VisitArgs(element, visit);
  } else if constexpr (HasFields<Plain>) {
    Plain::Fields(value, [&](std::string_view, auto& field) { VisitArgs(field, visit); });
  }
}

}  // namespace internal

// Calls visit(arg) with each Arg<K>& of `call` (const, if the call is), in order of the fields.
template <class C, class V>
requires std::is_same_v<std::remove_const_t<C>, Call>
void ForEachArg(C& call, V visit) {
  std::visit([&](auto& c) { internal::VisitArgs(c, visit); }, call);
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_ARGS_H_
