// Cat and Append join strings and integers. They stand for absl::StrCat and StrAppend, which take
// a std::string_view only where abseil was built with it as its own string_view.
#ifndef IPCSPEC_IMPL_CALL_CAT_H_
#define IPCSPEC_IMPL_CALL_CAT_H_

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace ipcspec {

inline void AppendPart(std::string* out, std::string_view part) { out->append(part); }
// Not char and bool, whose text is not that of a number.
template <std::integral T>
requires(sizeof(T) > 1) void AppendPart(std::string* out, T number) {
  out->append(std::to_string(number));
}

template <class... Parts>
void Append(std::string* out, const Parts&... parts) {
  (AppendPart(out, parts), ...);
}

template <class... Parts>
std::string Cat(const Parts&... parts) {
  std::string out;
  Append(&out, parts...);
  return out;
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_CAT_H_
