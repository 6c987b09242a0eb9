package langtest
