DROP TABLE document_bases;
