// nanobind itself, compiled in: the extension needs no library beside Python.
#include "nb_combined.cpp"
