// Pattern: a small reason why no order of operations can be right, found without a search.
#ifndef IPCSPEC_IMPL_MONITOR_PATTERN_H_
#define IPCSPEC_IMPL_MONITOR_PATTERN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

namespace ipcspec {

struct Pattern {
  std::string text;                  // one sentence that names the operations
  std::vector<uint32_t> operations;  // those, the one that cannot be first
};

// How an operation is named: "msgsnd of t3 (step 17)".
using NameOperation = absl::FunctionRef<std::string(uint32_t)>;

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_PATTERN_H_
