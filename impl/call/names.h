// Names of numbers: errno, signals, bits and enumerations. One table serves both directions.
#ifndef IPCSPEC_IMPL_CALL_NAMES_H_
#define IPCSPEC_IMPL_CALL_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "impl/call/types.h"

namespace ipcspec {

struct Name {
  std::string_view text;
  int64_t value;
};
// Of two names for one value the first is printed. Of two sets of bits, one within the other, the
// larger stands first.
using NameTable = absl::Span<const Name>;

NameTable BitTable(BitNames kind);
NameTable ErrnoTable();
NameTable SignalTable();

// The table of an enumeration. A new one that is a field of a call gets a specialisation.
template <class E>
NameTable EnumTable() = delete;
template <>
NameTable EnumTable<Disposition>();
template <>
NameTable EnumTable<MaskChange>();
template <>
NameTable EnumTable<Memory>();
template <>
NameTable EnumTable<Notify>();
template <>
NameTable EnumTable<Clock>();
template <>
NameTable EnumTable<IpcKind>();
template <>
NameTable EnumTable<Limit>();
template <>
NameTable EnumTable<Capability>();

// The name of `value`, or an empty string.
std::string_view NameOfValue(NameTable table, int64_t value);
std::optional<int64_t> ValueOfName(NameTable table, std::string_view name);

// "EAGAIN"; "errno 999" where there is no name.
std::string ErrnoName(int error);
// "SIGPIPE"; "40" where there is no name.
std::string SignalName(int signal);

// The file of the limit, below /proc/sys.
const char* LimitPath(Limit limit);

// Those of `names` that `word` may have been meant to be, the nearest first; at most three.
std::vector<std::string_view> NearNames(std::string_view word,
                                        absl::Span<const std::string_view> names);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_NAMES_H_
