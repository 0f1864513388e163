// C functions that a repro has where its steps use them (prelude.h).
#ifndef IPCSPEC_PLATFORMS_REPRO_HELPERS_H_
#define IPCSPEC_PLATFORMS_REPRO_HELPERS_H_

#include <string_view>

#include "absl/types/span.h"

namespace ipcspec {

struct ReproHelper {
  std::string_view name;
  std::string_view needs;  // another helper, which stands before
  std::string_view text;
};

// Both in the order in which they are printed, these first.
absl::Span<const ReproHelper> TaskHelpers();
absl::Span<const ReproHelper> ObjectHelpers();

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_HELPERS_H_
