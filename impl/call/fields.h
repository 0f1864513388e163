// IPCSPEC_FIELDS lists the fields of a call once: printing, parsing, resolving and shrinking all
// walk that list, so a call is described in one place.
//
//   struct Read {
//     static constexpr std::string_view kName = "read";
//     Fd fd;
//     int64_t count = 0;
//     IPCSPEC_FIELDS(Read, fd, count)
//   };
#ifndef IPCSPEC_IMPL_CALL_FIELDS_H_
#define IPCSPEC_IMPL_CALL_FIELDS_H_

#include <string_view>

namespace ipcspec {

// A struct whose fields can be visited.
template <class T>
concept HasFields = requires(T& t) {
  T::Fields(t, [](std::string_view, auto&) {});
};

}  // namespace ipcspec

// Visits each field as v("name", self.name). `self` is a Type& or a const Type&.
#define IPCSPEC_FIELDS(Type, ...)                                           \
  bool operator==(const Type&) const = default;                             \
  template <class Self, class V>                                            \
  static void Fields([[maybe_unused]] Self& self, [[maybe_unused]] V&& v) { \
    __VA_OPT__(IPCSPEC_EXPAND(IPCSPEC_VISIT(__VA_ARGS__)))                  \
  }

// Walks the list by rescanning, as the preprocessor has no loop: 27 rescans reach 27 fields.
#define IPCSPEC_EXPAND(...) IPCSPEC_EXPAND2(IPCSPEC_EXPAND2(IPCSPEC_EXPAND2(__VA_ARGS__)))
#define IPCSPEC_EXPAND2(...) IPCSPEC_EXPAND1(IPCSPEC_EXPAND1(IPCSPEC_EXPAND1(__VA_ARGS__)))
#define IPCSPEC_EXPAND1(...) __VA_ARGS__
#define IPCSPEC_PARENS ()
#define IPCSPEC_VISIT(field, ...) \
  v(#field, self.field);          \
  __VA_OPT__(IPCSPEC_AGAIN IPCSPEC_PARENS(__VA_ARGS__))
#define IPCSPEC_AGAIN() IPCSPEC_VISIT

#endif  // IPCSPEC_IMPL_CALL_FIELDS_H_
