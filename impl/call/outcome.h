// Outcome: what a call gave back.
#ifndef IPCSPEC_IMPL_CALL_OUTCOME_H_
#define IPCSPEC_IMPL_CALL_OUTCOME_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace ipcspec {

struct Outcome {
  int64_t ret = 0;                         // the return value; -1 when the call failed
  int error = 0;                           // errno when it failed, else 0
  std::string data;                        // the bytes that came out (read)
  absl::InlinedVector<int64_t, 4> values;  // the numbers that came out (pipe: both descriptors)

  bool ok() const { return error == 0; }
  bool operator==(const Outcome&) const = default;
};

inline Outcome Returns(int64_t ret) { return {.ret = ret}; }
inline Outcome Fails(int error) { return {.ret = -1, .error = error}; }

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_OUTCOME_H_
