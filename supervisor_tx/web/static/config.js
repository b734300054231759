// The page of the configuration: nothing but what all pages do.
