// Verdicts as the command line gives them.
#ifndef IPCSPEC_CLI_VERDICT_H_
#define IPCSPEC_CLI_VERDICT_H_

#include "cli/commands.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

inline int ExitStatus(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return kConforms;
    case Verdict::kForbidden:
      return kViolation;
    case Verdict::kUndecided:
      break;
  }
  return kUndecided;
}

inline const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return "conforms";
    case Verdict::kForbidden:
      return "violates";
    case Verdict::kUndecided:
      break;
  }
  return "undecided";
}

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_VERDICT_H_
